// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
}

interface IPool is IToken {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function sync() external;
}

/// Borrows from a pool within a swap and gives back what the first byte of the data says.
contract BorrowerModel {
    function uniswapV2Call(address, uint256 amount0, uint256 amount1, bytes calldata data) external {
        IPool pool = IPool(msg.sender);
        uint8 way = uint8(data[0]);
        if (way == 1) pool.sync();
        if (way == 2) pool.transfer(address(1), 1);
        bool pays = way != 3;
        giveBack(pool, pool.token0(), amount0, pays);
        giveBack(pool, pool.token1(), amount1, pays);
    }

    function giveBack(IPool pool, address token, uint256 amount, bool pays) private {
        if (amount == 0) return;
        if (pays) amount = amount * 1000 / 997 + 1;
        IToken(token).transfer(address(pool), amount);
    }
}
