"""One deployment on one machine: its processes under supervisor, from first start to last stop.

What each process does is elsewhere; here is only that they run, in order, and come back.
"""
