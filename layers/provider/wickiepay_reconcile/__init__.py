"""Whether every event that the provider lists is on record here, and what to ask for again.

`comparison`, `asking` and `payments` are pure: they get two lists, and know neither AWS nor HTTP. `our_events` reads
the event table, and `notes` keeps there what was asked for. `our_payments` reads the ledger.
"""
