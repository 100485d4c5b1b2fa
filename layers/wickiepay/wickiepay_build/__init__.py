"""Makes the folder that the layer is deployed as.

Both `sam build` (by the Makefile next to the code) and the local stack use it. It needs only Python 3.13.
"""
