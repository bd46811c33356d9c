"""SAM-HQ's mask decoder as its authors publish it, one prompt at a time, on the library's parts.

For comparison: the library's own forward pass makes masks of the wrong map.
"""

from tiny_networks import torch


def published_masks(decoder, picture, early, codes, tokens, earlier):
    """The masks that SAM's tokens and the finer token stand for, (4, h, w) and (1, h, w), and the
    quality (4,): of `picture` and `codes` (1, D, h, w), `early` (1, h, w, C), `tokens` (T, D) and
    `earlier` (1, D, h, w)."""
    _, width, rows, columns = picture.shape
    own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight, decoder.hq_token.weight])
    read, cells = decoder.transformer(
        torch.cat([own, tokens])[None, None], picture + earlier, codes, attention_similarity=None
    )
    read, cells = read[0, 0], cells[0, 0]
    square = torch.zeros(1, width, rows, columns)
    for row in range(rows):
        for column in range(columns):
            square[0, :, row, column] = cells[row * columns + column]
    up = decoder.upscale_layer_norm(decoder.upscale_conv1(square))
    up = decoder.activation(decoder.upscale_conv2(decoder.activation(up)))
    fine = decoder.mask_conv2(decoder.activation(decoder.mask_norm(decoder.mask_conv1(up))))
    late = decoder.activation(decoder.encoder_norm(decoder.encoder_conv1(picture)))
    first = decoder.compress_vit_conv1(early.permute(0, 3, 1, 2))
    first = decoder.activation(decoder.compress_vit_norm(first))
    fine = fine + decoder.encoder_conv2(late) + decoder.compress_vit_conv2(first)
    coarse = [
        torch.einsum("d,dhw->hw", head(read[1 + number]), up[0])
        for number, head in enumerate(decoder.output_hypernetworks_mlps)
    ]
    finer = torch.einsum("d,dhw->hw", decoder.hq_mask_mlp(read[1 + len(coarse)]), fine[0])
    return torch.stack(coarse), finer[None], decoder.iou_prediction_head(read[0])


def mend(model):
    """The library's network with the map that its transformer returns in its place."""
    decoder, returned = model.mask_decoder, []

    def keep(module, args, out):
        returned[:] = [out[1][:, 0]]

    def use(module, args):
        (wrong,) = args
        return (returned[0].transpose(1, 2).reshape(wrong.shape),)

    decoder.transformer.register_forward_hook(keep)
    decoder.upscale_conv1.register_forward_pre_hook(use)
    return model
