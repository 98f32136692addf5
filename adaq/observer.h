// Who watches a piece of work: told how far it is, and asked whether to go on. What these functions throw ends the work
// and comes out of adaq unchanged. They must not begin work in the same workspace.
#pragma once

#include <cstdint>
#include <string>

namespace adaq {

class Observer {
  public:
    virtual ~Observer() = default;

    /// A phase begins, of `total` parts (0: nobody knows); it ends the one before. unit: what is counted, "images". One
    /// that an exception ends has no end().
    virtual void begin(const std::string& /*phase*/, int64_t /*total*/, const std::string& /*unit*/) {}
    /// n more parts are done. May come from any thread.
    virtual void advance(int64_t /*n*/) {}
    virtual void end() {}
    /// One sentence, such as a warning.
    virtual void say(const std::string& /*sentence*/) {}

    /// Called once, before work begins that would be lost if the process ended.
    virtual void work_begins() {}
    /// Asked often, at places where work can end: true ends it with Stopped.
    virtual bool stop() { return false; }
};

}  // namespace adaq
