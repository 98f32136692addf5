// The edge of the public interface: what leaves it is one of adaq's errors, or what a function of the
// caller's has thrown.
#pragma once

#include <exception>

#include "adaq/error.h"

namespace adaq {

/// What a function of the caller's threw, on its way through adaq: none of the library's handlers takes it for its own.
struct ThrownByCaller {
    std::exception_ptr exception;
};

/// What a function of the caller's returns: every call of one goes through here.
template <typename Work>
auto by_caller(Work work) {
    try {
        return work();
    } catch (...) {
        throw ThrownByCaller{std::current_exception()};
    }
}

/// What `work` returns. What it throws becomes an Error, but for our own mistakes (std::logic_error) and what a
/// function of the caller's threw, which comes out unchanged. Not to be called by what is guarded itself, where that
/// calls functions of the caller's.
template <typename Work>
auto guarded(Work work) {
    try {
        return work();
    } catch (const ThrownByCaller& thrown) {
        std::rethrow_exception(thrown.exception);
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
