"""The demo: one month of a made-up ISP, played through the same doors that everybody uses."""
