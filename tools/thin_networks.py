"""Thin networks of torchvision's families for grey images of 10 classes: the bundled ones, as PyTorch modules.

thin_network(name) makes one. The names of its tensors are torchvision's, so that adaq recognises its state dict; what the classes of
torchvision fix (the stem's width, 1,280 channels before the last layer) is replaced where a thin network needs less.
"""
from torch import nn
from torchvision.models import MNASNet, MobileNetV2
from torchvision.models.regnet import BlockParams, RegNet
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
LAST_CHANNELS = 160  # of MobileNetV2's and MNASNet's last convolution, which have 1,280


class ThinResNet(ResNet):
    """torchvision's ResNet with grey input and `width` instead of 64 channels after the stem."""

    def __init__(self, block, blocks, width, **options):
        super().__init__(block, [1, 1, 1, 1], num_classes=len(CLASSES), **options)  # for its forward; the layers are replaced
        self.inplanes = width
        self.conv1 = grey(self.conv1, width)
        self.bn1 = nn.BatchNorm2d(width)
        for stage, count in enumerate(blocks):
            layer = self._make_layer(block, width << stage, count, stride=1 if stage == 0 else 2)
            setattr(self, f"layer{stage + 1}", layer)
        self.fc = nn.Linear((width << 3) * block.expansion, len(CLASSES))
        start(self)


def grey(conv, outputs):
    """A stem's convolution for images of one channel."""
    return nn.Conv2d(1, outputs, conv.kernel_size, conv.stride, conv.padding, bias=False)


def start(network):
    """Weights as torchvision starts those of its own ResNets; MNASNet's norms move as fast as those of the others."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1
    return network


def resnet18(width=16):
    return ThinResNet(BasicBlock, [2, 2, 2, 2], width)


def resnext(width=8):
    return ThinResNet(Bottleneck, [2, 2, 2, 1], width, groups=8, width_per_group=16)


def mobilenet_v2(width=0.25):
    network = MobileNetV2(num_classes=len(CLASSES), width_mult=width, dropout=0.0)
    features, last = network.features, network.features[-1]
    features[0][0] = grey(features[0][0], features[0][0].out_channels)
    last[0] = nn.Conv2d(last[0].in_channels, LAST_CHANNELS, 1, bias=False)
    last[1] = nn.BatchNorm2d(LAST_CHANNELS)
    network.classifier[1] = nn.Linear(LAST_CHANNELS, len(CLASSES))
    return start(network)


def regnet_x(width=24):
    """Of four stages, each wider than the one before by the same factor or a little less, in groups of 8."""
    plan = BlockParams(depths=[1, 2, 3, 1], widths=[width, 2 * width, 4 * width, 6 * width], group_widths=[8] * 4,
                       bottleneck_multipliers=[1.0] * 4, strides=[2] * 4)
    network = RegNet(plan, num_classes=len(CLASSES), stem_width=16)
    network.stem[0] = grey(network.stem[0], 16)
    return start(network)


def mnasnet(width=0.2):
    network = MNASNet(width, num_classes=len(CLASSES), dropout=0.0)
    layers = network.layers
    layers[0] = grey(layers[0], layers[0].out_channels)
    layers[14] = nn.Conv2d(layers[14].in_channels, LAST_CHANNELS, 1, bias=False)
    layers[15] = nn.BatchNorm2d(LAST_CHANNELS)
    network.classifier[1] = nn.Linear(LAST_CHANNELS, len(CLASSES))
    return start(network)


NETWORKS = {network.__name__: network for network in (resnet18, mobilenet_v2, regnet_x, resnext, mnasnet)}
