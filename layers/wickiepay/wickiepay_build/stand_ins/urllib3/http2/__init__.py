"""urllib3's HTTP/2, which is off unless asked for. Its own module loads much to find the version of h2.

Without it a cold start takes 20 million instructions less (of some 760).
"""
