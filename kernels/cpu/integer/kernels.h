// What a file of an instruction set offers, as plain structs and function pointers: such files are compiled with flags
// of their own and share no function with others.
//
// The product of a layer is computed in blocks: a tile of positions by a block of output channels. For each position
// the window's elements lie in a few runs of contiguous elements; each step takes `depth` of them, which are multiplied
// by as many weights of each channel. A tile is one or two segments: positions at equal distances in x.
#pragma once

#include <cstdint>

namespace adaq::cpu::integer {

/// What operands are while they are multiplied.
enum class Element : uint8_t { byte, word, single, real };  // u8 by s8, s16 by s16, float32, float64 by float32

/// A segment may be several short lines: then what lies between them is multiplied, too, and is no output.
struct TilePlace {
    int64_t x[2];                     // of each segment's first window, in bytes from the band's beginning
    int64_t y[2];                     // of its first output, in positions
    int columns;                      // positions of a segment
    int line_columns, line_distance;  // of a line in it, from a line's first position to the next line's
    int segments;
    int done;                 // so many positions at the second segment's beginning belong to the first
    int first_run, last_run;  // the runs that are not all padding, where padding counts nothing
};

/// An epilogue as vectors take it: epilogue.h has the arithmetic.
struct Finish {
    float lowest, highest;  // of values; codes have theirs in low and high
    bool quantises;
    float scale, reciprocal;  // reciprocal: 0 where only a division is exact
    float rest;               // 1 / scale less reciprocal
    float near_tie;           // quotients by it are as good as that far from a whole number; beyond 0.5: all are
    bool bounded;             // v * reciprocal + v * rest gives codes, and is less than 2^30 for all sums of 32 bits
    float low, high;          // of codes without the offset
    int32_t offset;           // zero point - qmin
    float shift;              // added to quotients by a fused multiply-add
    float summand, factor;    // of a value to which a residual of codes is added, whose scale is 1 then; or -0 and 1
    bool scales;              // summand and factor are other than that
    bool multiplies;          // a product alone gives quotients
};

/// Elements of an operand of pointwise arithmetic: values or codes, or none.
struct OperandRow {
    const float* values;
    const uint8_t* codes;
    float zero, scale;
};

/// A band of positions by a block of output channels.
struct BlockJob {
    const unsigned char* x;  // the band
    const TilePlace* tiles;
    int64_t tile_count;
    int64_t column_bytes;    // from a position of a segment to the next, in x
    const int64_t* runs;     // bytes from a window's beginning
    int64_t steps;           // of a run
    int64_t chunk;           // a run's steps are a multiple of it
    const unsigned char* w;  // packed: [run][step][vector][lane][depth]
    int64_t next_w;          // bytes from there to the weights of the block that follows; 0: none
    int vectors;
    int channels;            // of the block, the last may lack some
    const void* start;       // [vectors * lanes]: what sums begin with, of their type
    const float* scale;      // [vectors * lanes]
    const float* shift;      // [vectors * lanes]
    const int32_t* w_zero;   // [vectors * lanes], or null
    const int32_t* windows;  // [tile][kMostPositions]: sums of centred codes, where there is w_zero
    OperandRow residual;     // the block's first channel of position 0
    Finish finish;
    float* values;  // y: the block's first channel of position 0
    uint8_t* codes;
    int64_t row;          // elements from a position of y to the next
    int64_t column_rows;  // positions of y from a position of a segment to the next
};

constexpr int kMostPositions = 32, kMostChannels = 32;  // of a tile

struct ProductKernels {
    Element element;
    int lanes, depth;  // channels of a vector, elements of a step
    int columns;       // of a segment, at most
    int most_chunk;    // steps that an instruction takes at once
    int vectors;       // of a block
    void (*run)(const BlockJob&);
};

/// y = finish(a.scale * a + b.scale * b) for `count` elements; b may be none. Where it fuses, a and b are codes, and
/// each product is added without being rounded: to the offset b's, to this sum a's.
struct PointwiseJob {
    OperandRow a, b;
    bool fuses;
    float offset;
    Finish finish;
    float* values;
    uint8_t* codes;
    int64_t count;
};

constexpr int kMostWindowRows = 5;  // of ColumnsJob

/// A tap of a depthwise convolution's window.
struct DepthwiseTap {
    int64_t row, column;  // of the map, from the window's corner
    int64_t offset;       // codes from there
};

/// A depthwise convolution's row of outputs by a block of channels. Taps are multiplied in pairs, channels in groups
/// (depthwise.h has the order of weights).
struct DepthwiseJob {
    const unsigned char* x;     // the image's codes: the block's first channel
    const unsigned char* zero;  // [kDepthwiseChannels] codes of zero: what taps beside the map read
    const int16_t* w;           // the block's weights
    const int32_t* start;       // [channels, filled up to whole groups], in the order of weights: sums begin with it
    const DepthwiseTap* taps;   // [2 * pairs]
    int64_t pairs;
    int64_t height, width;          // of the map
    int64_t pitch;                  // channels of a pixel
    int64_t top, left;              // where the row's first window begins
    int64_t last_row, last_column;  // of the window, from its corner
    int64_t stride;                 // from a window to the next
    int64_t positions;              // of the row of y
    int channels;
};

/// A row of outputs of a depthwise convolution by a block of channels, column by column of the map (columns.h has the
/// order of weights). Each row of the window lies at rows[r] + column * pitch[r]; one beside the map at `zero`.
struct ColumnsJob {
    const unsigned char* rows[kMostWindowRows];  // the map's first column, the block's first channel
    int64_t pitch[kMostWindowRows];              // bytes from a column to the next; 0 beside the map
    const unsigned char* zero;                   // codes of zero: what is read beside the map's sides
    int64_t width, left;
    int64_t positions;
    const int8_t* w;
    const int32_t* start;  // [4 * lanes], in the order of weights: sums begin with it
    int size, stride;      // of the window, which is square; from a position to the next
    int together;  // positions that share vectors, so that each has a half or a quarter of the channels: 1, 2, 4
};

/// A tile of Winograd's algorithm: a square of outputs, which sees a square of pixels and is computed in as many planes
/// as there are pixels (winograd_forms.h).
struct WinogradTile {
    int64_t y;          // its first output, in positions
    int rows, columns;  // of outputs inside the map
};

/// The tiles that a thread works on at once.
struct WinogradInputJob {
    const uint8_t* const* pixels;  // [tile][plane]: the first channel of each pixel, row by row
    int64_t tiles, channels;
    unsigned char* v;  // [plane][tile][channel]: what the weights are multiplied by
    int64_t plane;     // bytes
    int64_t pitch;     // bytes of a tile, whole vectors
};

/// The tiles by a block of channels.
struct WinogradBlockJob {
    const unsigned char* v;  // as above
    int64_t plane, pitch;
    const WinogradTile* tiles;
    int64_t tile_count;
    int64_t steps;               // of a product
    const unsigned char* w;      // packed: [plane][step][vector][lane][depth]
    const int32_t* plane_start;  // [plane][vectors * lanes]: what a plane's sums begin with
    const int32_t* start;        // [vectors * lanes]: what is added to the convolution's sums
    int32_t* sums;               // [plane][tiles, rounded up to whole products][vectors * lanes]
    int64_t row_positions;       // of y: from an output to the one below it
};

struct WinogradKernels {
    ProductKernels products;
    int outputs, pixels;       // of a tile's edge
    const int8_t* g;           // [pixels][3]: by which rows and columns of weights are multiplied
    int most_code;             // of x
    int offset, plain_plane;   // what is added to all of v but this plane
    int sum_bits;              // sums below 2^sum_bits in size are exact
    int input_cost, sum_cost;  // of a tile and a vector, beside products: multiplications that take as long
    void (*transform)(const WinogradInputJob&);
    /// epilogue: what epilogues read of a job.
    void (*run)(const WinogradBlockJob& job, const BlockJob& epilogue);
};

/// All of an instruction set.
struct Instructions {
    const char* name;
    ProductKernels integers, singles, reals;
    WinogradKernels winograd_words, winograd_bytes;  // run: none where there is none
    void (*pointwise)(const PointwiseJob&);
    int depthwise_group;  // channels
    /// Of a row; epilogue: what epilogues read of a job, its channels those of the row.
    void (*depthwise)(const DepthwiseJob& row, const BlockJob& epilogue, int64_t first_y);
    int columns_channels;  // of a block of the next; 0: there is none
    int columns_together;  // positions, at most
    /// Where quotients are bounded (Finish) and nothing is added.
    void (*depthwise_columns)(const ColumnsJob& job, const BlockJob& epilogue, int64_t first_y);
};

constexpr int kDepthwiseChannels = 64;  // of a block, at most

}  // namespace adaq::cpu::integer
