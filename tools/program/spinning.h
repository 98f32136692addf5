// How OpenMP's threads wait for each other.
#pragma once

namespace adaq {

/// libgomp lets a thread that waits spin for milliseconds. Where another program needs the processors too, that keeps
/// the very thread from running that it waits for: one busy process on two cores made learning over ten times slower,
/// and short spins make it no slower on an idle machine (docs/speed.md). libgomp reads its environment before main(),
/// so the program starts itself again, once, unless the user has said how to wait (OMP_WAIT_POLICY, GOMP_SPINCOUNT).
void spin_briefly(char** argv);

}  // namespace adaq
