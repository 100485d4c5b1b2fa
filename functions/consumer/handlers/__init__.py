"""One module per event family; each registers its own handlers with `wickiepay.routing.on`.

A handler turns an event and the settings into effects. It makes no calls to the outside, so it can be run again.
"""
