"""Handlers of the JSON API: parse, call one service function, render."""
