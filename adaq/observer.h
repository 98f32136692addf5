// Who watches a piece of work: told how far it is, and asked whether to go on.
#pragma once

#include <cstdint>
#include <string>

namespace adaq {

class Observer {
  public:
    virtual ~Observer() = default;

    /// A phase begins, of `total` parts (0: nobody knows); it ends the one before. unit: what is counted, "images".
    virtual void begin(const std::string& /*phase*/, int64_t /*total*/, const std::string& /*unit*/) {}
    /// n more parts are done. May come from any thread.
    virtual void advance(int64_t /*n*/) {}
    virtual void end() {}
    /// One sentence, such as a warning.
    virtual void say(const std::string& /*sentence*/) {}

    /// Called once, before work begins that would be lost if the process ended.
    virtual void work_begins() {}
    /// Asked several times a second at places where work can end: true ends it with Stopped.
    virtual bool stop() { return false; }
};

}  // namespace adaq
