// adaq's sentences name options by the fields of its interface, in backquotes: `weight_bits`. On a command line they
// are called otherwise.
#pragma once

#include <string>
#include <string_view>

namespace adaq {

/// The same sentence with the options' names: "`lr_scale` -1" becomes "--lr-scale -1". What else stands in backquotes
/// stays.
std::string with_option_names(std::string_view sentence);

}  // namespace adaq
