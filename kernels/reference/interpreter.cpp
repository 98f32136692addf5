#include "kernels/reference/interpreter.h"

#include "engine/error.h"

namespace adaq::reference {

Interpreter::Interpreter(Program program) : program_(std::move(program)) {
    for (const auto& entry : program_.tensors()) {
        if (entry.whole != kNone) {
            memory_.push_back(nullptr);
            continue;
        }
        memory_.push_back(entry.bound ? std::dynamic_pointer_cast<ReferenceTensor>(entry.bound)
                                      : std::make_shared<ReferenceTensor>(entry.shape(), DType::f32));
        require(memory_.back() != nullptr, "reference: a tensor of another device is bound");
    }
}

void Interpreter::run(int64_t n) {
    for (int64_t i = 0; i < n; ++i) run_polled({});
}

void Interpreter::run_polled(const Poll& poll) {
    for (const Operation& operation : program_.operations()) {
        if (poll) poll();
        std::visit(*this, operation);
    }
}

double* Interpreter::at(TensorId id) {
    if (id == kNone) return nullptr;
    const Program::Entry& entry = program_.tensor(id);
    if (entry.whole == kNone) return memory_[id]->values.data();
    const int64_t row = entry.shape()[0] == 0 ? 0 : element_count(entry.shape()) / entry.shape()[0];
    return memory_[entry.whole]->values.data() + entry.first_row * row;
}

}  // namespace adaq::reference
