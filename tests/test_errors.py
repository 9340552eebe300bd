from recon_lib.errors import BadInput, Interrupted


def test_bad_input_is_a_value_error_and_an_interrupt_is_not():
    assert issubclass(BadInput, ValueError)
    assert not issubclass(Interrupted, ValueError)
    assert str(BadInput("The mask is empty.")) == "The mask is empty."
