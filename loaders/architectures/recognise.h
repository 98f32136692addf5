// Which family of networks a state dict is of. Nothing behind this file knows of families.
#pragma once

#include "loaders/architectures/named_tensors.h"

namespace adaq {

/// What is known of a network beside its tensors, by the name that it goes by.
struct NetworkHints {
    std::string family = {};            // that it must be of: "resnet", "mobilenet_v2", ...; empty: any
    int output_stride = 0;              // of a ResNet whose windows widen; 0: it strides in every stage
    bool named = false;                 // nothing is assumed of it, for its name says what tensors do not
    std::vector<SizeInName> size = {};  // that its tensors must bear out
    std::string name = {};              // that says all this
    bool own = false;                   // the file has it, not the user
};

/// The network whose tensors have these shapes, as people have them: all under one prefix ("encoder."), with others
/// beside it that are passed over; under torchvision's names or those of libraries that have the same networks.
/// others: what else has a name there and is no tensor, for the sentence about one that is missing. DataError naming
/// `file` and the tensor at fault.
RecognisedNetwork recognise_network(const std::string& file, const Shapes& shapes, const OtherValues& others = {},
                                    const NetworkHints& hints = {});

}  // namespace adaq
