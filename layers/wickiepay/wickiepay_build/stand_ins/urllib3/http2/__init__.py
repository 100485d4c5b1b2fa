"""urllib3's HTTP/2, which is off unless asked for; its own module loads much to see which version of h2 there is."""
