// A shared library opened at run time, so that adaq-bench starts without it.
#pragma once

#include <dlfcn.h>

#include <initializer_list>
#include <memory>
#include <string>

namespace adaq::cuda {

class Library {
  public:
    /// The first of `names` that opens; converts to false where none does.
    explicit Library(std::initializer_list<const char*> names) {
        for (const char* name : names) {
            if (handle_ || !(handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL))) continue;
            name_ = name;
        }
    }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;  // never closed: what it started may still run when the program ends

    explicit operator bool() const { return handle_ != nullptr; }
    const std::string& name() const { return name_; }

    /// Null where the library has no such function.
    template <typename Function>
    void find(Function*& function, const char* name) const {
        function = reinterpret_cast<Function*>(dlsym(handle_, name));
    }

  private:
    void* handle_ = nullptr;
    std::string name_;
};

}  // namespace adaq::cuda
