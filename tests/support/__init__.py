"""What tests share: builders of records and courses, shells, rooms, a browser."""
