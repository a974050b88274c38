"""Tests of the failover check."""
