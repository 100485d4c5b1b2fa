"""A replacement for botocore's documentation generator, whose output nobody reads in a function.

It saves 21 of about 760 million instructions of a cold start, and the layer leaves out the whole original package.
"""
