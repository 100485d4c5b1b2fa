"""The whole stack on this machine: the real template in a local AWS emulator, behind a proxy on one port."""
