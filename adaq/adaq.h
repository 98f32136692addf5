// adaq's public interface. Quantising a network with it:
//
//     adaq::Model model = adaq::load("resnet18.pth");
//     adaq::ImageSets images = adaq::open_images(model, {.calib = "train", .val = "val"});
//     adaq::Quantised quantised = adaq::quantise(model, images, {.method = "adaround", .weight_bits = 4});
//     adaq::save(quantised.model(), "q.bin");
//     adaq::evaluate(quantised, images);
//     std::cout << adaq::render_table(quantised.report());
//
// Everything throws adaq::Error. What the caller's own functions throw (an observer, own images, logits) ends the work
// and comes out unchanged. Whatever is thrown, handles, reports and workspaces are as they were before the call, and a
// state folder keeps every unit that is finished.
// Nothing outside is changed: no signal handlers, no environment, no settings of OpenMP. Different threads may work at
// once, each with its own Context.
#pragma once

#include "adaq/error.h"
#include "adaq/images.h"
#include "adaq/model.h"
#include "adaq/observer.h"
#include "adaq/options.h"
#include "adaq/plan.h"
#include "adaq/quantise.h"
#include "adaq/report.h"
#include "adaq/session.h"
#include "adaq/workspace.h"
