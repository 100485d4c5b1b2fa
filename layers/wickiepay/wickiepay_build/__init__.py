"""Makes the folder that the layer is deployed as.

For `sam build` (by the Makefile beside the code) and for the local stack alike. It needs only Python 3.13.
"""
