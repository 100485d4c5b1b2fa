"""The command `wickiepay`: for people who run or develop a webhook listener."""
