"""Whether every event that the provider lists is on record here, and what to ask for again.

`comparison` and `asking` are pure: they get two lists, and know neither AWS nor HTTP. `our_events` reads the event
table, and `notes` keeps there what was asked for. `run` does it all for a period.
"""
