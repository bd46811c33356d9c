"""The classifier of ImageNet's 1,000 classes, unchanged, from the map that `mini` shares with it.

The first layers of the backbone are never trained, so what they make of a picture serves both. The
rest here is EfficientNet-Lite0 as published; its head is applied in every cell at stride 32.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from wordmask.model.mini.backbone import CHANNELS, OUTPUTS, Backbone, ScaledConv

SHARED = OUTPUTS[1] + 1  # layers, stem included, up to the map at stride 8
WIDE = 1280  # channels in front of the classes
CLASSES = 1000


class ClassNetwork(nn.Module):
    """The backbone's map at stride 8 to logits of the classes at stride 32."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(list(Backbone().layers)[SHARED:])
        self.widen = ScaledConv(CHANNELS[-1], WIDE, 1)
        self.classify = nn.Conv2d(WIDE, CLASSES, 1)

    def forward(self, shared: Tensor) -> Tensor:
        """(B, 40, H / 8, W / 8) to (B, 1000, H / 32, W / 32)."""
        x = shared
        for layer in self.layers:
            x = layer(x)
        logits: Tensor = self.classify(self.widen(x))
        return logits

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Weights as published for `efficientnet_lite0` (PyTorch names)."""
        backbone = Backbone()
        backbone.load_imagenet(state)
        rest = nn.ModuleList(list(backbone.layers)[SHARED:])
        self.layers.load_state_dict(rest.state_dict())
        self.widen.load(state, "_conv_head", "_bn1")
        self.classify.weight.data.copy_(state["_fc.weight"][:, :, None, None])
        self.classify.bias.data.copy_(state["_fc.bias"])
