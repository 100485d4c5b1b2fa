"""The code that the functions of the WickiePay webhook listener share: a pure core with thin I/O around it."""
