"""The whole stack on this machine: the real template in a local emulator of AWS, behind a front door on one port."""

from typing import Final

DEFAULT_SIGNING_SECRET: Final = "whsec_local_development_only"
"""What deliveries to a local stack are signed with unless WICKIEPAY_WEBHOOK_SECRET says otherwise. No secret at all."""
