"""Checks from the tables themselves that the books add up.

Both tables are scanned once, page by page. What is held on to is a sum for each account and currency, and of what looks
wrong a thousand at a time: memory does not grow with the number of events. Whatever looks wrong is read again,
consistently, and a moment later once more, before it is told: a stack at work gives no false alarm.
"""
