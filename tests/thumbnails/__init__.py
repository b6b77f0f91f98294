"""Tests of thumbnails."""
