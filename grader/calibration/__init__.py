"""What correct work and known mistakes reach, and the thresholds that follow."""
