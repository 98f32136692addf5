#include "kernels/emulator/shadow.h"

#include <cstdlib>
#include <new>

namespace adaq::emulator {

void Shadow::Free::operator()(Cell* cells) const { std::free(cells); }

Shadow::Cells Shadow::make(size_t count) {
    auto* cells = static_cast<Cell*>(std::calloc(count, sizeof(Cell)));
    if (!cells) throw std::bad_alloc();
    return Cells(cells);
}

void Shadow::refine() {
    const size_t count = cells_for(bytes_, 0);
    Cells fine = make(count);
    for (size_t i = 0; i < count; ++i) fine[i] = cells_[i >> shift_];
    cells_ = std::move(fine);
    shift_ = 0;
}

std::optional<size_t> Shadow::first_unwritten(size_t offset, size_t bytes) {
    const Range cells = range(offset, bytes);
    for (const Cell* cell = cells.begin; cell < cells.end; ++cell) {
        if (cell->write.epoch == 0) return static_cast<size_t>(cell - cells_.get()) << shift_;
    }
    return std::nullopt;
}

void Shadow::set_written(size_t offset, size_t bytes) {
    const Range cells = range(offset, bytes);
    for (Cell* cell = cells.begin; cell < cells.end; ++cell) *cell = {Stamp{.epoch = kHostEpoch}, Stamp{}};
}

}  // namespace adaq::emulator
