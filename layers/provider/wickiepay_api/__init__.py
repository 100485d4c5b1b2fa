"""A client of the provider's API: what the provider knows of events and payments, replays, destinations.

It is apart from the package `wickiepay`, so that the functions that take deliveries carry neither an HTTP client nor
cryptography. `client` makes the calls, `listing` reads lists, `entries` says what is in them, `signing` signs, `keys`
reads and makes the merchant's keys, and `errors` has a sentence for everything that can go wrong.
"""
