#pragma once

/// Prints what procx finds on this machine: versions, processors, limits, and what the kernel offers.
int info();
