"""Makes the folders that functions and their layer are deployed as.

For `sam build` (by the Makefiles beside the code) and for the local stack alike. Python 3.13 is all that it needs.
"""
