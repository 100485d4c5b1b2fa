"""The command with all of its parts imported; docs/cli.md is made from it."""

from wickiepay_cli.app import assembled

app = assembled(loaded=True)
