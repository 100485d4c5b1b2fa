"""Where `wickiepay init` puts the tests of new handlers."""
