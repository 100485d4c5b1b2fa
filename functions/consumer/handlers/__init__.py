"""One module per event family; each registers its own handlers with `wickiepay.routing.on`.

A handler turns an event, and the settings of the stack, into effects on the books. It calls nothing outside, so it can
be run again at will.
"""
