"""Trains what a notebook asks for, in a room of ours: orders, results, and where they are kept."""
