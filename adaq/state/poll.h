// The caller's observer, as the library speaks to it.
#pragma once

#include "adaq/observer.h"
#include "adaq/state/guarded.h"

namespace adaq {

/// Throws Stopped where the observer says so.
inline void poll(Observer& observer) {
    if (observer.stop()) throw Stopped();
}

/// An observer that is there: hands everything on to the one given, if there is one.
class ObserverOf {
  public:
    explicit ObserverOf(Observer* given) : handing_on_(given) {}
    ObserverOf(const ObserverOf&) = delete;
    ObserverOf& operator=(const ObserverOf&) = delete;
    Observer& operator*() const { return handing_on_; }

  private:
    class HandingOn : public Observer {
      public:
        explicit HandingOn(Observer* given) : given_(given) {}
        void begin(const std::string& phase, int64_t total, const std::string& unit) override {
            tell([&](Observer& observer) { observer.begin(phase, total, unit); });
        }
        void advance(int64_t n) override {
            tell([&](Observer& observer) { observer.advance(n); });
        }
        void end() override {
            tell([](Observer& observer) { observer.end(); });
        }
        void say(const std::string& sentence) override {
            tell([&](Observer& observer) { observer.say(sentence); });
        }
        void work_begins() override {
            tell([](Observer& observer) { observer.work_begins(); });
        }
        bool stop() override {
            return given_ && by_caller([this] { return given_->stop(); });
        }

      private:
        template <typename Tell>
        void tell(Tell tell) const {
            if (given_) by_caller([&] { tell(*given_); });
        }
        Observer* given_;
    };

    mutable HandingOn handing_on_;
};

}  // namespace adaq
