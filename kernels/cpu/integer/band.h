// How a convolution's outputs are cut into pieces of work, and the band of x that a piece reads.
//
// A line is a row of outputs; where the windows are single positions at a distance of one, all of x is one row that is
// cut into lines of equal lengths. A band is a few lines by all channels: what it reads of x stays in a core's caches
// while the weights pass by. Rows of x are copied to it with their padding, so that the kernels know no edges; x is
// read in place where it has no padding and lies as the kernels need it.
#pragma once

#include "kernels/cpu/integer/kernels.h"
#include "kernels/cpu/integer/packing.h"
#include "kernels/cpu/integer/work_share.h"

namespace adaq::cpu::integer {

/// Elements of x in memory.
enum class Source : uint8_t { codes, floats };

class BandPlan {
  public:
    /// threads: that share the work. weight_bytes: of all blocks, of which there are so many.
    /// map: the convolution as x lies, of which geometry is the same or that of PairedRows.
    BandPlan(const Geometry& geometry, const Geometry& map, const ProductKernels& kernels, Source source,
             int64_t images, int threads, int64_t weight_bytes, int64_t blocks);

    /// Its parts are bands.
    const WorkShare& share() const { return share_; }
    /// What a thread needs for a band and its tiles.
    size_t workspace_bytes() const { return static_cast<size_t>(band_bytes_ + most_tiles_ * kTileBytes); }
    /// Of a row of the band or of x, elements.
    int64_t pitch() const { return pitch_; }
    int64_t column_bytes() const { return column_elements_ * element_bytes_; }
    int element_bytes() const { return element_bytes_; }

    struct Band {
        const unsigned char* x;
        const TilePlace* tiles;
        int32_t* windows;  // [tile][kMostPositions], to be filled
        int64_t tile_count;
    };
    /// x_zero: what padding is. Fills the workspace.
    Band make(int64_t band, const void* x, int x_zero, unsigned char* workspace) const;

  private:
    struct Line {
        int64_t x, y, count;      // bytes from the band's beginning, positions
        int first_run, last_run;  // to be multiplied
    };
    static constexpr int64_t kTileBytes =
        static_cast<int64_t>(sizeof(TilePlace)) + kMostPositions * static_cast<int64_t>(sizeof(int32_t));

    int64_t count_of(int64_t line) const;
    void leave_out_padding(int64_t p, Line& line) const;
    int64_t most_rows(int64_t lines) const;
    void choose_bands(int threads, int64_t weight_bytes, int64_t blocks);
    void copy_row(const void* x, int64_t image, int64_t row, int x_zero, unsigned char* to) const;
    void copy_pair(const uint8_t* x, int64_t image, int64_t pair, int x_zero, unsigned char* to) const;
    TilePlace* add_tiles(const Line& line, const Line* next, TilePlace* tiles) const;
    TilePlace* add_short_lines(const Line& first, int64_t lines, TilePlace* tiles) const;

    Geometry g_, map_;
    bool pairs_;  // of rows
    Element element_;
    int64_t images_;
    int element_bytes_, source_bytes_;
    int columns_;               // of a segment
    int runs_, runs_of_a_row_;  // of a window, of a row of it
    bool flat_, direct_;
    int64_t pitch_, column_elements_, width_, lines_;  // width: positions of a line
    int64_t line_distance_, segment_lines_ = 1;        // columns from a line to the next, lines of a segment
    int64_t slack_bytes_;                              // read behind the last window
    WorkShare share_;
    int64_t lines_per_band_ = 1, band_bytes_ = 0, most_tiles_ = 0;
};

}  // namespace adaq::cpu::integer
