"""The sync engine of a device: it looks, decides, does, and never loses an edit.

model, operations, outcome   the rows of the three trees, what can be done about them, and how it can end
seams       disk, server, time, chance and workers: everything of the world outside comes in through these
trees       the three trees in one SQLite file a root; the feed becomes the remote tree, facts change all
observe     the folder on this device becomes the local tree
plan        a pure function of the trees: what is to be done now
apply       doing it here: fetch, place, move, delete
send        doing it at the server: upload, make, move, delete
loop        the engine, which joins all of these
device      the real disk, watch, clocks, threads and process behind the seams; the roots of this machine
settings, status, screen, conflicts, names   what people choose and see
"""
