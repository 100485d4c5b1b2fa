"""`wickiepay provider`: the provider's API. One module for each group of commands."""
