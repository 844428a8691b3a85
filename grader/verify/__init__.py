"""The course check: do the files fit together, and do the samples get what they must get?"""
