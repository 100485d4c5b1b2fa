"""What the functions of the WickiePay webhook listener share: a pure core, and thin I/O around it."""
