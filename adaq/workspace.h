// What several pieces of work have in common: devices, opened models and data sets, decoded images, how good a float
// network is and what it gives behind each unit. Each is made when it is first asked for. Results have the same bits
// with or without a workspace. A weights file that has changed is loaded again; data sets are to stay as they are.
#pragma once

#include <memory>

namespace adaq {

class Workspace {
  public:
    Workspace();
    ~Workspace();
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;

    struct State;
    State& state() { return *state_; }

  private:
    std::unique_ptr<State> state_;
};

}  // namespace adaq
