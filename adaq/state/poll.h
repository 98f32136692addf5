// Asking an observer whether to go on.
#pragma once

#include "adaq/error.h"
#include "adaq/observer.h"

namespace adaq {

/// Throws Stopped where the observer says so.
inline void poll(Observer& observer) {
    if (observer.stop()) throw Stopped();
}

/// An observer that is there: the one given, or one that watches nothing.
class ObserverOf {
  public:
    explicit ObserverOf(Observer* given) : observer_(given ? given : &none_) {}
    ObserverOf(const ObserverOf&) = delete;
    ObserverOf& operator=(const ObserverOf&) = delete;
    Observer& operator*() const { return *observer_; }

  private:
    Observer none_;
    Observer* observer_;
};

}  // namespace adaq
