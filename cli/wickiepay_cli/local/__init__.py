"""The whole stack on this machine: the real template in a local emulator of AWS, behind a front door on one port."""
