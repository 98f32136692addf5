// The edge of the public interface: what leaves it is one of adaq's errors.
#pragma once

#include <exception>

#include "adaq/error.h"

namespace adaq {

/// What `work` returns. What it throws becomes an Error, but for our own mistakes (std::logic_error).
template <typename Work>
auto guarded(Work work) {
    try {
        return work();
    } catch (const Error&) {
        throw;
    } catch (const std::length_error& error) {
        throw error_of(error);
    } catch (const std::logic_error&) {
        throw;
    } catch (const std::exception& error) {
        throw error_of(error);
    }
}

}  // namespace adaq
