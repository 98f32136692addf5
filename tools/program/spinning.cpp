#include "tools/program/spinning.h"

#include <unistd.h>

#include <cstdlib>

namespace adaq {

void spin_briefly(char** argv) {
    if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
    setenv("GOMP_SPINCOUNT", "3000", 0);  // some microseconds
    execv("/proc/self/exe", argv);        // returns only where it fails: then threads wait as they are used to
}

}  // namespace adaq
