"""The world of the simulation: disks, time, net and server, all from one seed."""
